/** Names that a gateway takes: `^[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?$`, not `mcp`, none twice. */
export class ServerNames {
  readonly #taken = new Set<string>(['mcp']);

  valid(original: string): string {
    const plain = original
      .normalize('NFKD')
      .replace(/[\u0300-\u036f]/g, '')
      .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '');
    const base = /^[a-z]/.test(plain) ? plain : `server-${plain}`.replace(/-+$/, '');
    for (let count = 1; ; count += 1) {
      const tail = count === 1 ? '' : `-${count}`;
      const name = `${base.slice(0, 30 - tail.length).replace(/-+$/, '')}${tail}`;
      if (this.#taken.has(name)) continue;
      this.#taken.add(name);
      return name;
    }
  }
}
