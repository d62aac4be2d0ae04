"""How the report looks: system type, one column, both colour schemes, fit for print."""

CSS = """
:root { --ink: #1c1f23; --soft: #5b636c; --paper: #ffffff; --line: #d9dde2; --tint: #f3f5f7;
  --good: #00664a; --bad: #a33c00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --soft: #a3abb5; --paper: #16191d; --line: #363c44; --tint: #20252b;
    --good: #4fd1a5; --bad: #ff9b66; }
}
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.8rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; }
p, li { max-width: 46rem; }
.lead { font-size: 1.1rem; }
.note, figcaption { color: var(--soft); font-size: .92rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .45rem .8rem .45rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; border-bottom-width: 2px; }
.pairs th { font-weight: 500; width: 14rem; color: var(--soft); }
.pairs td { overflow-wrap: anywhere; }
td.number { white-space: nowrap; }
td.holds { color: var(--good); font-weight: 600; }
td.fails { color: var(--bad); font-weight: 600; }
figure { margin: 2rem 0; }
figure img { display: block; width: 100%; height: auto; background: #fff; border: 1px solid var(--line);
  border-radius: 6px; padding: .6rem; box-sizing: border-box; }
figcaption { margin-top: .5rem; max-width: 46rem; }
pre { background: var(--tint); padding: .8rem 1rem; border-radius: 6px; overflow-x: auto; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .92em; }
@media print { figure, table { break-inside: avoid; } }
"""
