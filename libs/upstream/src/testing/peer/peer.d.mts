export interface PeerMessage {
  readonly jsonrpc: '2.0';
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
}

export interface PeerWire {
  send(message: PeerMessage, requestId: number | undefined): void;
  raw(text: string, requestId: number | undefined): void;
}

export function createPeer(wire: PeerWire): { receive(message: PeerMessage): void };

export function lines(take: (line: string) => void): (chunk: string) => void;
