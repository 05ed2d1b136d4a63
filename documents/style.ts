/** Of the reference page: light and dark as the reader prefers, one column on a phone, the contents beside it elsewhere. */
export const style = `:root {
  color-scheme: light dark;
  --paper: #fffdf9; --ink: #26211c; --soft: #6a5f54; --line: #e3d9cc; --panel: #f6f0e7; --link: #8a3b12;
}
@media (prefers-color-scheme: dark) {
  :root { --paper: #1b1815; --ink: #ece5db; --soft: #a99d8f; --line: #3a332c; --panel: #25201c; --link: #f0a36f; }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); text-underline-offset: .15em; }
h1, h2, h3, h4 { line-height: 1.25; }
h2 { margin: 3rem 0 .5rem; font-size: 1.6rem; }
h3 { margin: 0 0 .25rem; font-size: 1.1rem; }
h4 { margin: 1.25rem 0 .25rem; font-size: .95rem; color: var(--soft); }
h2 a, h3 a { color: inherit; text-decoration: none; }
h2 a:hover, h3 a:hover { text-decoration: underline; }
p { margin: .25rem 0 .75rem; max-width: 46rem; }
code, pre { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .9em; }
small, em, figcaption { color: var(--soft); font-size: .85em; }
nav { padding: 1rem; max-height: 40vh; overflow-y: auto; border-bottom: 1px solid var(--line); background: var(--panel); }
nav .name { font-weight: 600; font-size: 1.1rem; }
nav ul { margin: .25rem 0 .75rem; padding: 0; list-style: none; font-size: .85rem; }
nav li a { display: block; padding: .2rem 0; text-decoration: none; }
nav li a:hover { text-decoration: underline; }
nav summary { cursor: pointer; font-weight: 600; padding: .2rem 0; }
main { padding: 0 1rem 4rem; }
article { margin: 1rem 0 0; padding: 1rem 0; border-top: 1px solid var(--line); }
article:target { border-top: 2px solid var(--link); }
dl { margin: .5rem 0; }
dl div { padding: .35rem 0; border-bottom: 1px dotted var(--line); }
dt { font-weight: 600; }
dt em { font-weight: 400; }
dd { margin: 0; }
.type { color: var(--soft); }
dd .type::after { content: ''; margin-right: .4em; }
figure { margin: .75rem 0; }
pre { margin: 0; padding: .75rem 1rem; background: var(--panel); border: 1px solid var(--line); border-radius: .4rem; overflow-x: auto; overflow-wrap: normal; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem; }
@media (min-width: 56rem) {
  body { display: grid; grid-template-columns: 18rem minmax(0, 1fr); }
  nav { position: sticky; top: 0; height: 100vh; max-height: none; border-bottom: 0; border-right: 1px solid var(--line); }
  main { padding: 1rem 3rem 6rem; max-width: 64rem; }
  dl div { display: grid; grid-template-columns: 13rem minmax(0, 1fr); gap: 1rem; }
  .answers div { grid-template-columns: 4rem minmax(0, 1fr); }
}
`
