"""How the report looks: light and dark by the reader's setting, on wide and narrow screens."""

CSS = """
:root { color-scheme: light dark; --ink: #1d2530; --soft: #5d6876; --line: #d9dee5; --page: #f6f7f9;
  --card: #ffffff; --accent: #1f6fd1; --good: #16794f; --bad: #b3362f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --soft: #9aa5b3; --line: #333c48;
  --page: #14181e; --card: #1c222a; --accent: #6aa8f7; --good: #5cc596; --bad: #f0857d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .5rem 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
p { margin: .5rem 0; max-width: 46rem; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .75rem 0; font-size: .9rem; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 1.1rem 1.25rem; margin: 1rem 0; }
.tiles { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr));
  margin: 1rem 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: .8rem 1rem; }
.tile b { display: block; font-size: 1.55rem; line-height: 1.2; font-weight: 650; }
.tile span { color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: .5rem 0; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .75rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.words th, .words td { text-align: left; }
thead th { color: var(--soft); font-weight: 500; vertical-align: bottom; }
tbody th { font-weight: 500; }
.figures { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); }
figure { margin: 0; min-width: 0; } figure svg { width: 100%; height: auto; display: block; }
figcaption { color: var(--soft); font-size: .85rem; }
.verdict { border-left: 4px solid var(--accent); padding: .25rem 0 .25rem .9rem; }
.good { color: var(--good); } .bad { color: var(--bad); }
code, pre { font: .88rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
pre { overflow-x: auto; background: var(--page); border: 1px solid var(--line); border-radius: 6px;
  padding: .6rem .8rem; }
details { margin: .6rem 0; } summary { cursor: pointer; color: var(--accent); }
.query { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr));
  gap: .75rem; padding: .75rem 0; border-top: 1px solid var(--line); }
.clip img { width: 100%; height: auto; border-radius: 4px; display: block; }
.clip { font-size: .85rem; overflow-wrap: anywhere; } .clip b { font-weight: 600; }
@media (max-width: 34rem) { section { padding: .9rem .8rem; } h1 { font-size: 1.35rem; } }
@media print { body { background: none; } section { break-inside: avoid; } }
"""
