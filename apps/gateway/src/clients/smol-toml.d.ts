/** The part of smol-toml that is used here; checkouts whose node_modules are older than it can be type-checked with this. */
declare module 'smol-toml' {
  export function parse(text: string): Record<string, unknown>;
  export function stringify(value: Record<string, unknown>): string;
  export class TomlError extends Error {
    readonly line: number;
    readonly column: number;
  }
}
