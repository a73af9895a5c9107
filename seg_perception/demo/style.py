"""The look of the summary page, light or dark as the reader's system asks."""

STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --text: #1b2430; --soft: #5c6878;
  --line: #dfe4ea; --accent: #1769c4; --good: #3f9c35; --bad: #d6402f; }
@media (prefers-color-scheme: dark) { :root { --ground: #11161d; --card: #1a212b; --text: #e6ebf1;
  --soft: #98a5b5; --line: #2c3644; --accent: #62a8f5; --good: #6ec85c; --bad: #f2705f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 18px 56px; }
h1 { font-size: 1.7rem; margin: 0; line-height: 1.2; }
h2 { font-size: 1.1rem; margin: 40px 0 12px; }
p, figure { margin: 0; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
.tiles { display: grid; gap: 12px; margin-top: 22px;
  grid-template-columns: repeat(auto-fit, minmax(128px, 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 14px 16px; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.25;
  font-variant-numeric: tabular-nums; }
.tile b small { font-size: .9rem; font-weight: 500; color: var(--soft); }
.tile span { display: block; color: var(--soft); font-size: .85rem; }
.problem b { color: var(--bad); }
img { display: block; width: 100%; height: auto; border-radius: 8px; background: var(--line); }
.overview { max-width: 860px; margin: 0 auto; }
.moment { display: grid; gap: 10px; margin-bottom: 16px; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); }
figcaption { margin-top: 4px; }
.classes { display: grid; gap: 4px 28px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); }
.class { display: grid; grid-template-columns: 16px 7.5rem 1fr 3.2rem; gap: 10px;
  align-items: center; font-size: .92rem; }
.swatch { width: 16px; height: 16px; border-radius: 4px; border: 1px solid var(--line); }
.bar { height: 8px; border-radius: 4px; background: var(--line); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 3px;
  margin: 0 .3em 0 .8em; }
.plot svg { display: block; width: 100%; height: auto; }
.plot text { fill: var(--soft); font-size: 12px; }
.plot .grid { stroke: var(--line); }
.plot .series { fill: none; stroke: var(--accent); stroke-width: 1.6; stroke-linejoin: round; }
.plot .median { stroke: var(--good); stroke-dasharray: 5 4; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; padding: 6px 10px 6px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
tr:last-child > * { border-bottom: 0; }
th { font-weight: 500; white-space: nowrap; }
td { overflow-wrap: anywhere; }
code { font: .9em ui-monospace, 'DejaVu Sans Mono', monospace; }
"""
