/**
 * The page that says why the catalogue cannot be opened and what can be done about it. It has no
 * script: its buttons are links, and main acts on them instead of going there.
 */
import type { AppError } from '../../shared/errors'

export const PROBLEM_ACTIONS = ['retry', 'folder', 'aside', 'show', 'quit'] as const
export type ProblemAction = (typeof PROBLEM_ACTIONS)[number]

/** An address of our own scheme, because links to unknown schemes never reach `will-navigate`. */
const ACTION = 'ring0://problem/'

const LABELS: Record<ProblemAction, string> = {
  retry: 'Try again',
  folder: 'Open another folder…',
  aside: 'Keep the file aside and begin anew',
  show: 'Show the file',
  quit: 'Quit',
}

/** What helps against which failure, most useful first. */
export function actionsFor(code: AppError['code']): ProblemAction[] {
  switch (code) {
    case 'database-newer':
      return ['folder', 'show', 'quit']
    case 'database-damaged':
      return ['aside', 'folder', 'show', 'quit']
    default:
      return ['retry', 'folder', 'show', 'quit']
  }
}

/** The action a link of the page means; null for any other address. */
export function actionOf(url: string): ProblemAction | null {
  const name = url.startsWith(ACTION) ? url.slice(ACTION.length) : ''
  return PROBLEM_ACTIONS.find((action) => action === name) ?? null
}

const escape = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const STYLE = `
  :root { color-scheme: light dark; --bg: #eef0f4; --surface: #fff; --text: #1a202c; --text-2: #465064;
    --line: #dde1e8; --line-strong: #858e9d; --accent: #2354cf; --on-accent: #fff; --warn: #855400 }
  @media (prefers-color-scheme: dark) { :root { --bg: #101318; --surface: #181c23; --text: #e3e7ee;
    --text-2: #b1bac8; --line: #2b323e; --line-strong: #6d788b; --accent: #86aaff; --on-accent: #0b1530;
    --warn: #efc06b } }
  * { box-sizing: border-box }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--bg);
    color: var(--text); font: 14px/1.5 system-ui, sans-serif; padding: 24px }
  main { max-width: 640px; width: 100%; background: var(--surface); border: 1px solid var(--line);
    border-radius: 10px; padding: 28px 32px 24px; border-top: 4px solid var(--warn) }
  h1 { font-size: 20px; line-height: 1.3; margin: 0 0 8px }
  p { margin: 0 0 12px; color: var(--text-2) }
  p.place { overflow-wrap: anywhere; font: 12.5px/1.5 ui-monospace, monospace; color: var(--text);
    padding: 8px 10px; border: 1px solid var(--line); border-radius: 6px; background: var(--bg) }
  details { margin: 0 0 16px; color: var(--text-2) } summary { cursor: pointer; padding: 4px 0 }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 12px/1.5 ui-monospace, monospace; margin: 4px 0 0 }
  nav { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 20px }
  a { display: inline-flex; align-items: center; min-height: 34px; padding: 0 14px; border-radius: 6px;
    border: 1px solid var(--line-strong); color: var(--text); text-decoration: none; font-weight: 500 }
  a:first-child { background: var(--accent); border-color: var(--accent); color: var(--on-accent) }
  a:hover { text-decoration: underline } :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
  @media (forced-colors: active) { a { border: 2px solid ButtonText } }
`

/** The whole document. Everything that came from outside is escaped. */
export function problemPage(error: AppError, file: string): string {
  const links = actionsFor(error.code)
    .map(
      (action, index) =>
        `<a href="${ACTION}${action}"${index === 0 ? ' autofocus' : ''}>${LABELS[action]}</a>`,
    )
    .join('\n')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Ring0 Lab: the catalogue cannot be opened</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escape(error.message)}</h1>
<p>${escape(error.hint)}</p>
<p class="place">${escape(file)}</p>
${error.detail === undefined ? '' : `<details><summary>Details</summary><pre>${escape(error.detail)}</pre></details>`}
<nav aria-label="What to do">
${links}
</nav>
</main>
</body>
</html>
`
}
