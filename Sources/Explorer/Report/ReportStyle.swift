/// How the page looks: light and dark as the reader's system says, light on paper.
enum ReportStyle {
  static let text = """
    :root{color-scheme:light dark;--ink:#1b1f24;--faint:#59636e;--paper:#fff;--line:#d1d9e0;\
    --wash:#f6f8fa;--accent:#0b6bcb;--warm:#b35900}
    @media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--faint:#9198a1;--paper:#0d1117;\
    --line:#3d444d;--wash:#151b23;--accent:#6cb6ff;--warm:#f0a35e}}
    *{box-sizing:border-box}
    body{margin:0 auto;padding:1rem;max-width:62rem;background:var(--paper);color:var(--ink);\
    font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;\
    font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
    h1{font-size:1.5rem;margin:.2rem 0;overflow-wrap:anywhere}
    h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line)}
    h3{font-size:1rem;margin:0 0 .3rem}
    p,ul{margin:.4rem 0;overflow-wrap:anywhere}
    .faint,caption,figcaption{color:var(--faint);font-size:.9rem;text-align:left}
    code,pre{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:.86em;\
    overflow-wrap:anywhere;unicode-bidi:isolate}
    pre{white-space:pre-wrap;background:var(--wash);border:1px solid var(--line);\
    border-radius:6px;padding:.6rem}
    .wide-box{overflow-x:auto;max-width:100%}
    table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.3rem 0}
    th,td{padding:.2rem .45rem;border-bottom:1px solid var(--line);text-align:left;\
    vertical-align:top;overflow-wrap:break-word}
    td:first-child{min-width:6.5rem;overflow-wrap:anywhere}
    th{color:var(--faint);font-weight:600;overflow-wrap:normal}
    td.n,th.n{text-align:right;white-space:nowrap;overflow-wrap:normal}
    tr.subject td{font-weight:600}
    td small{display:block;color:var(--faint);font-size:.85em}
    .bar{display:block;width:100%;min-width:3rem;height:.5rem;margin-top:.15rem;\
    border-radius:2px;background:var(--line)}
    .bar i{display:block;height:100%;border-radius:2px;background:var(--warm)}
    details{border:1px solid var(--line);border-radius:6px;margin:.4rem 0;padding:0 .6rem}
    details td:first-child{width:45%}
    summary{cursor:pointer;padding:.4rem 0}
    .maps{display:flex;flex-wrap:wrap;gap:1rem 2rem}
    figure{margin:0;max-width:100%}
    .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr));gap:1.2rem}
    svg{display:block}
    svg text{font-size:11px;fill:var(--ink)}
    svg text.in{text-anchor:middle}
    svg text.on-light{fill:#000}
    svg text.on-dark{fill:#fff}
    svg text.mid{text-anchor:middle;fill:var(--faint)}
    svg text.end{text-anchor:end;fill:var(--faint)}
    svg text.start{fill:var(--faint)}
    svg text.head{font-weight:600}
    svg .grid{stroke:var(--line);stroke-width:.7;fill:none}
    svg .axis{stroke:var(--faint);stroke-width:1;fill:none}
    svg .curve{stroke:var(--accent);stroke-width:2;fill:none;stroke-linejoin:round}
    .mark{stroke:var(--ink);stroke-width:1.3;fill:var(--paper)}
    .mark.preset{fill:var(--line)}
    .mark.subject{fill:var(--warm)}
    svg text.subject{font-weight:700;fill:var(--ink)}
    .sign{display:inline;vertical-align:-.1em;margin-left:.6em}
    @media (max-width:40rem){table{font-size:.78rem}th,td{padding:.2rem .22rem}\
    td:first-child{min-width:4.6rem}}
    svg.wide,svg.narrow,svg.histogram{width:100%;height:auto}
    svg.histogram text{font-size:10px}
    svg.wide{display:none}
    .source{fill:var(--accent);fill-opacity:.45}
    .back{stroke:var(--warm);stroke-width:1.4;fill:none}
    .cut{fill:var(--warm)}
    @media (min-width:40rem){svg.wide{display:block}svg.narrow{display:none}}
    @media print{
    :root{color-scheme:light;--ink:#000;--faint:#444;--paper:#fff;--line:#bbb;--wash:#f4f4f4;\
    --accent:#0b6bcb;--warm:#b35900}
    *{print-color-adjust:exact;-webkit-print-color-adjust:exact}
    body{max-width:none;padding:0;font-size:.8rem}
    h2{break-after:avoid}figure,tr,li,pre{break-inside:avoid}
    .wide-box{overflow:visible}.wide-box svg{max-width:100%;height:auto}
    .maps{gap:1rem}.maps figure{flex:0 1 47%}h2+p{break-after:avoid}
    details::details-content{content-visibility:visible;height:auto}
    svg.wide{display:block}svg.narrow{display:none}
    }
    @page{margin:14mm}
    """
}
