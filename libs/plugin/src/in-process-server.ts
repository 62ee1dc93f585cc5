/** The little of an SDK server (v1 `McpServer`/`Server`) that the in-process transport needs. */
export interface InProcessMcpServer {
  connect(transport: never): Promise<void>;
  close(): Promise<void>;
}

/**
 * Extension point: an MCP server that runs inside the gateway's process. An upstream of type `in-process` picks it by
 * `connection.server` (default: the upstream's own name).
 */
export abstract class InProcessServer {
  /** A fresh server for one connection. */
  abstract create(): InProcessMcpServer | Promise<InProcessMcpServer>;
}
