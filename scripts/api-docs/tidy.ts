import {
  Comment,
  type CommentDisplayPart,
  CommentTag,
  type DeclarationReflection,
  LiteralType,
  type ProjectReflection,
  ReferenceType,
  type Reflection,
  ReflectionKind,
  ReflectionType,
  UnionType
} from 'typedoc'

/** Node's door and the browser's offer the same names: one reference for both. Answers what only one of them has. */
export function joinDoors(project: ProjectReflection): string[] {
  const [node, browser] = project.children ?? []
  if (node == null || browser == null || project.children?.length !== 2)
    throw new Error('There are two doors, index*.ts')
  const names = [node, browser].flatMap(({ children = [] }) => children.map(({ name }) => name))
  const different = names.filter((name) => names.indexOf(name) === names.lastIndexOf(name))
  project.removeReflection(browser)
  project.mergeReflections(node, project)
  return different.map((name) => `${name} is exported by src/index.ts or src/index.browser.ts only`)
}

/** What users read about: what they call, set, get and catch, and nothing of what makes it work. */
export function tidy(project: ProjectReflection): void {
  for (const declaration of project.getReflectionsByKind(ReflectionKind.All)) nameThrown(project, declaration)
  for (const declaration of project.children ?? []) {
    if (isError(declaration)) tidyError(project, declaration)
    else if (declaration.implementedTypes != null) tidyClass(project, declaration)
    else if (declaration.kindOf(ReflectionKind.Interface)) dropInherited(project, declaration)
    else if (declaration.kindOf(ReflectionKind.TypeAlias)) describeUnion(declaration)
  }
}

/** Under a heading of their own, before TypeDoc groups by kind. */
export function groupErrors(project: ProjectReflection): void {
  for (const error of (project.children ?? []).filter(isError)) {
    error.comment ??= new Comment()
    error.comment.blockTags.push(new CommentTag('@group', [text('Errors')]))
  }
}

function isError({ extendedTypes = [] }: DeclarationReflection): boolean {
  return extendedTypes.some((type) => type.toString() === 'Error')
}

/** Users catch errors: they don't make them, and their names are said already. */
function tidyError(project: ProjectReflection, error: DeclarationReflection): void {
  for (const member of [...(error.children ?? [])]) {
    if (member.kindOf(ReflectionKind.Constructor) || member.name === 'name') project.removeReflection(member)
  }
  error.extendedTypes = undefined
}

/** A class is what its documented interfaces say; the rest of it is for libp2p and for us. */
function tidyClass(project: ProjectReflection, declaration: DeclarationReflection): void {
  declaration.implementedTypes = declaration.implementedTypes?.filter(
    (type) => type instanceof ReferenceType && type.reflection != null
  )
  declaration.extendedTypes = undefined
  for (const member of [...(declaration.children ?? [])]) project.removeReflection(member)
}

function dropInherited(project: ProjectReflection, declaration: DeclarationReflection): void {
  for (const member of [...(declaration.children ?? [])]) {
    if (member.inheritedFrom?.reflection != null) project.removeReflection(member)
  }
}

/** What is said of single members of a union becomes a list below what is said of all. */
function describeUnion({ type, comment }: DeclarationReflection): void {
  if (!(type instanceof UnionType) || type.elementSummaries == null || comment == null) return
  type.types.forEach((member, i) => {
    const said = type.elementSummaries?.[i] ?? []
    const status = member instanceof ReflectionType ? member.declaration.getChildByName('status') : undefined
    const value = (status as DeclarationReflection | undefined)?.type
    if (said.length === 0 || !(value instanceof LiteralType)) return
    comment.summary.push(text(i === 0 ? '\n\n' : '\n'), text(`- \`${value.value}\`: `), ...said)
  })
  type.elementSummaries = undefined
}

/** TypeDoc keeps the name in `@throws {Name}` apart from the text: one list of both, with links. */
function nameThrown(project: ProjectReflection, { comment }: Reflection): void {
  const thrown = comment?.getTags('@throws') ?? []
  if (comment == null || thrown.length === 0) return
  const items = thrown.flatMap((tag): CommentDisplayPart[] => {
    const name = tag.typeAnnotation?.slice(1, -1) ?? 'Error'
    const target = project.getChildByName(name)
    const link: CommentDisplayPart =
      target == null ? text(`\`${name}\``) : { kind: 'inline-tag', tag: '@link', text: name, target }
    return [text('- '), link, text(': '), ...tag.content, text('\n')]
  })
  comment.removeTags('@throws')
  comment.blockTags.push(new CommentTag('@throws', items))
}

function text(text: string): CommentDisplayPart {
  return { kind: 'text', text }
}
