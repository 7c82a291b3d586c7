// `npm run docs`: the API reference in docs/api, from the TSDoc of what the package exports. It ends with 1 where
// something exported is not documented.   npm run docs -- --check   writes nothing and says whether docs/api is current.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Application, Converter } from 'typedoc'
import { MarkdownPageEvent, type PluginOptions } from 'typedoc-plugin-markdown'
import { complaints } from './complaints.ts'
import { introduction } from './introduction.ts'
import { groupErrors, joinDoors, tidy } from './tidy.ts'

const root = join(import.meta.dirname, '..', '..')
const page = join('docs', 'api', 'README.md')

/** Types that signatures mention and users neither make nor name. */
const machinery = ['LinkComponents', 'LinkTransportComponents']

const markdown: PluginOptions = {
  hidePageHeader: true,
  hidePageTitle: true,
  useCodeBlocks: true,
  expandObjects: true,
  expandParameters: true,
  typeDeclarationVisibility: 'compact',
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  tableColumnSettings: { hideModifiers: true, leftAlignHeaders: true }
}

async function write(folder: string): Promise<string[]> {
  const app = await Application.bootstrapWithPlugins({
    entryPoints: [join(root, 'src/index.ts'), join(root, 'src/index.browser.ts')],
    tsconfig: join(root, 'tsconfig.build.json'),
    // Without it the members of unions come in another order every other time.
    compilerOptions: { stableTypeOrdering: true },
    plugin: ['typedoc-plugin-markdown'],
    router: 'module',
    out: folder,
    logLevel: 'Warn',
    // tsc does that, by the compiler the project is built with.
    skipErrorChecking: true,
    readme: 'none',
    disableGit: true,
    disableSources: true,
    excludeExternals: true,
    excludePrivate: true,
    excludeProtected: true,
    excludeInternal: true,
    preservedTypeAnnotationTags: ['@throws'],
    sort: ['source-order'],
    groupOrder: ['Functions', 'Interfaces', 'Type Aliases', 'Variables', 'Errors'],
    validation: { notExported: true, invalidLink: true, notDocumented: false },
    intentionallyNotExported: machinery,
    ...markdown
  })
  const wrong: string[] = []
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    wrong.push(...joinDoors(project))
    groupErrors(project)
  })
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => tidy(project))
  const project = await app.convert()
  if (project == null) return ['The sources do not compile: see above']
  app.renderer.on(MarkdownPageEvent.END, (event) => {
    event.contents = `${introduction(project)}\n${event.contents ?? ''}`
  })
  wrong.push(...complaints(project))
  app.validate(project)
  await app.generateOutputs(project)
  if (app.logger.hasErrors() || app.logger.hasWarnings()) wrong.push('TypeDoc complains: see above')
  return wrong
}

async function check(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-docs-'))
  try {
    const wrong = await write(folder)
    const same = readFileSync(join(folder, 'README.md'), 'utf8') === readFileSync(join(root, page), 'utf8')
    return same ? wrong : [...wrong, `${page} is not what the sources say: npm run docs`]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const args = process.argv.slice(2)
if (args.some((arg) => arg !== '--check')) {
  console.error('Usage: npm run docs [-- --check]')
  process.exit(2)
}
const wrong = args.length > 0 ? await check() : await write(join(root, 'docs/api'))
for (const sentence of wrong) console.error(sentence)
process.exitCode = wrong.length === 0 ? 0 : 1
