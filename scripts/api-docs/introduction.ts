import type { ProjectReflection } from 'typedoc'

/** The head of the page: what it is, and where everything stands. */
export function introduction({ groups = [] }: ProjectReflection): string {
  const contents = groups.map(({ title, children }) => {
    const names = children.map(({ name }) => `[${name}](#${name.toLowerCase()})`)
    return `- ${title}: ${names.join(', ')}`
  })
  return `# API reference

Everything \`libp2p-holdfast\` exports, the same for Node.js and browsers. Written by \`npm run docs\` from the TSDoc in
\`src\`: change it there.

${contents.join('\n')}
`
}
