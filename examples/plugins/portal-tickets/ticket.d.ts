export interface Ticket {
  readonly sub: string;
  readonly aud: string;
  readonly exp: number;
  readonly groups: readonly string[];
}

export function ticketFor(key: string, ticket: Ticket): string;
