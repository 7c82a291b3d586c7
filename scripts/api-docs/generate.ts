import { Application } from 'typedoc'
const app = await Application.bootstrapWithPlugins({
  entryPoints: ['src/index.ts'], tsconfig: 'tsconfig.json', plugin: ['typedoc-plugin-markdown'], out: '/tmp/td/out', disableGit: true, disableSources: true,
  readme: 'none', excludePrivate: true, excludeProtected: true, excludeExternals: true, excludeInternal: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true }, skipErrorChecking: true,
  requiredToBeDocumented: ['Class','Interface','Property','Method','Function','TypeAlias','Variable','Accessor','Enum','EnumMember','Constructor','TypeLiteral' as never].slice(0,10) as never,
  outputFileStrategy: 'modules',
} as never)
const project = await app.convert()
if (project == null) process.exit(1)
app.validate(project)
await app.generateOutputs(project)
