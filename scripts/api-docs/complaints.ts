import { type DeclarationReflection, type ProjectReflection, type Reflection, ReflectionKind } from 'typedoc'

/** One sentence for each export, member and option of which something is not said. */
export function complaints(project: ProjectReflection): string[] {
  return (project.children ?? []).flatMap((declaration) => [
    ...missing(declaration),
    ...(isDescribedByMember(declaration) ? (declaration.children ?? []).flatMap(missing) : []),
    ...(/Init$/.test(declaration.name) ? (declaration.children ?? []).flatMap(withoutDefault) : [])
  ])
}

function isDescribedByMember(declaration: DeclarationReflection): boolean {
  return declaration.kindOf([ReflectionKind.Interface, ReflectionKind.Class])
}

function missing(declaration: DeclarationReflection): string[] {
  const described: Reflection[] = [declaration, ...declaration.getAllSignatures()]
  return described.some(({ comment }) => comment?.summary.some(({ text }) => text.trim() !== ''))
    ? []
    : [`${nameOf(declaration)} has no TSDoc`]
}

function withoutDefault(option: DeclarationReflection): string[] {
  const said = option.comment?.getTag('@default') ?? option.comment?.getTag('@defaultValue')
  return option.flags.isOptional && said == null ? [`${nameOf(option)} is an option without @default`] : []
}

function nameOf(declaration: Reflection): string {
  return declaration.getFullName()
}
