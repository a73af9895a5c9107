"""What the summary page looks like beyond what all pages share."""

STYLE = """
.overview { max-width: 860px; margin: 0 auto; }
.plot svg { display: block; width: 100%; height: auto; }
.plot text { fill: var(--soft); font-size: 12px; }
.plot .grid { stroke: var(--line); }
.plot .series { fill: none; stroke: var(--accent); stroke-width: 1.6; stroke-linejoin: round; }
.plot .median { stroke: var(--good); stroke-dasharray: 5 4; }
"""
