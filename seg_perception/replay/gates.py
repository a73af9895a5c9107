"""Thresholds that a comparison must keep, and their verdicts for a build server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from seg_perception.core.products import DRIVABLE
from seg_perception.replay.compare import Comparison


@dataclass(frozen=True)
class Verdict:
    """Whether a threshold was kept.

    :ivar said: what was found and what was expected, in one line.
    """

    name: str
    kept: bool
    said: str


@dataclass(frozen=True)
class Gates:
    """The thresholds; None asks for nothing.

    :ivar agreement: least share of all pixels with the same label, 0 to 1.
    :ivar mean_iou: least mean IoU.
    :ivar frame_agreement: least agreement of any frame.
    :ivar drivable_pixels: most pixels of any frame that only the second run calls drivable.
    """

    agreement: float | None = None
    mean_iou: float | None = None
    frame_agreement: float | None = None
    drivable_pixels: int | None = None

    def verdicts(self, found: Comparison) -> list[Verdict]:
        """Return a verdict for each threshold, and first whether both runs have the same frames."""
        missing = len(found.first_only) + len(found.second_only)
        verdicts = [
            Verdict(
                'same frames',
                not missing and bool(found.frames),
                f'{len(found.frames)} frames in both runs, {len(found.first_only)} only in the '
                f'first, {len(found.second_only)} only in the second',
            )
        ]
        for name, value, least in (
            ('agreement', found.agreement, self.agreement),
            ('mean IoU', found.mean_iou, self.mean_iou),
            ('agreement of the worst frame', found.worst_agreement, self.frame_agreement),
        ):
            if least is not None:
                said = f'{value:.6f}, expected {least:g} or more'
                verdicts.append(Verdict(name, value >= least, said))
        if self.drivable_pixels is not None:
            pixels = max(
                (f.only[DRIVABLE][1] for f in found.frames if DRIVABLE in f.only), default=0
            )
            said = f'{pixels} pixels in a frame, expected {self.drivable_pixels} or fewer'
            kept = pixels <= self.drivable_pixels
            verdicts.append(Verdict('drivable in the second run only', kept, said))
        return verdicts


def junit(verdicts: Sequence[Verdict], name: str) -> str:
    """Return verdicts as a test suite, in the XML that build servers take from JUnit."""
    failures = sum(not verdict.kept for verdict in verdicts)
    suite = ElementTree.Element(
        'testsuite', name=name, tests=str(len(verdicts)), failures=str(failures), errors='0'
    )
    for verdict in verdicts:
        case = ElementTree.SubElement(
            suite, 'testcase', classname='replay.compare', name=verdict.name
        )
        if verdict.kept:
            ElementTree.SubElement(case, 'system-out').text = verdict.said
        else:
            ElementTree.SubElement(case, 'failure', message=verdict.said).text = verdict.said
    return ElementTree.tostring(suite, encoding='unicode', xml_declaration=True) + '\n'
