/** What is to be done with a repository: `repository:<name>:pull` or `:pull,push`. */
export function repositoryScope(repository: string, ...actions: readonly ('pull' | 'push')[]): string {
  return `repository:${repository}:${actions.join(',')}`;
}

/** All of these scopes in one normal form: each resource once, with the actions of all. Unreadable ones are kept as they are. */
export function mergeScopes(...lists: readonly (readonly string[])[]): readonly string[] {
  const actions = new Map<string, Set<string>>();
  for (const scope of lists.flat()) {
    const colon = scope.lastIndexOf(':');
    const resource = colon < 0 ? scope : scope.slice(0, colon);
    const found = actions.get(resource) ?? new Set();
    if (colon >= 0) for (const action of scope.slice(colon + 1).split(',')) found.add(action);
    actions.set(resource, found);
  }
  return [...actions].map(([resource, set]) => (set.size === 0 ? resource : `${resource}:${[...set].toSorted().join(',')}`)).toSorted();
}

/** The scopes of a challenge. */
export function splitScopes(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(' ').filter((scope) => scope !== '');
}
