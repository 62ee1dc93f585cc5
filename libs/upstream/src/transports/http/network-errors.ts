import { GatewayError } from '#libs/kernel';
import type { UpstreamTarget } from '#libs/plugin';
import { printable, subject } from '../shared/text.js';

/** An upstream's address without what may be secret in it. */
export function addressOf(target: UpstreamTarget): string {
  const url = new URL(target.url as string);
  return `${url.origin}${url.pathname}`;
}

/**
 * What an exchange that got no answer means. `sent` tells whether the request may have reached the upstream: only then
 * it may have been executed.
 */
export function networkError(target: UpstreamTarget, error: Error, sent: boolean): GatewayError {
  const code = codeOf(error);
  if (error instanceof GatewayError && error.code === 'EGRESS_DENIED') {
    return new GatewayError('EGRESS_DENIED', `${subject(target)}: ${error.message}`, {
      cause: error,
      notExecuted: true,
    });
  }
  const who = `${subject(target)} (${addressOf(target)})`;
  const known = sent ? afterSending(code, error) : beforeSending(target, code, error);
  const text = known?.text ?? `failed: ${printable(error.message, 200)}${code ? ` (${code})` : ''}`;
  return new GatewayError(known?.code ?? (sent ? 'UPSTREAM_DISCONNECTED' : 'UPSTREAM_UNREACHABLE'), `${who} ${text}`, {
    cause: error,
    notExecuted: !sent,
    ...(known?.limit !== undefined && { data: { limit: known.limit } }),
  });
}

function codeOf(error: Error): string | undefined {
  const { code, errors } = error as NodeJS.ErrnoException & { errors?: NodeJS.ErrnoException[] };
  return code ?? errors?.find((inner) => inner.code)?.code;
}

interface Known {
  readonly code: 'UPSTREAM_UNREACHABLE' | 'UPSTREAM_DISCONNECTED' | 'UPSTREAM_PROTOCOL';
  readonly text: string;
  /** Key of the limit that was reached. */
  readonly limit?: string | undefined;
}

function beforeSending(target: UpstreamTarget, code: string | undefined, error: Error): Known | undefined {
  const { hostname, host } = new URL(target.url as string);
  const unreachable = (text: string, limit?: string): Known => ({ code: 'UPSTREAM_UNREACHABLE', text, limit });
  switch (code) {
    case 'ECONNREFUSED':
      return unreachable(`refused the connection; is the server running, and is ${host} in connection.url right?`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return unreachable(
        `cannot be found: the name ${hostname} does not resolve (${code}); check connection.url and DNS`,
      );
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return unreachable(
        `did not accept a connection within ${target.connectTimeout} ms (connection.connect_timeout); check connection.url, firewalls and the server's load`,
        'connection.connect_timeout',
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return unreachable(
        `cannot be reached: there is no route to ${hostname} (${code}); check the network and connection.url`,
      );
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return unreachable(
        'closed the connection before a request was sent; is this an HTTP server, and does it expect https?',
      );
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return unreachable('does not speak TLS on that port; use http:// in connection.url, or the right port');
    case 'UND_ERR_INVALID_ARG':
      return unreachable(`got no request: ${error.message}; check the upstream's auth and forward_headers`);
    case 'UND_ERR_DESTROYED':
    case 'UND_ERR_CLOSED':
      return { code: 'UPSTREAM_DISCONNECTED', text: 'was released by the gateway' };
  }
  return certificateProblem(code, hostname);
}

function certificateProblem(code: string | undefined, hostname: string): Known | undefined {
  const unreachable = (text: string): Known => ({ code: 'UPSTREAM_UNREACHABLE', text });
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'CERT_UNTRUSTED':
      return unreachable(`has a certificate nobody here trusts (${code}); name its CA in connection.tls.ca_file`);
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return unreachable(
        `has a certificate that is not valid today (${code}); renew it, or check this machine's clock`,
      );
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return unreachable(
        `has a certificate for another name than ${hostname}; use a name of the certificate in connection.url`,
      );
    case 'CERT_REVOKED':
      return unreachable('has a certificate that was revoked; the server needs a new one');
  }
  if (code?.startsWith('ERR_SSL_') || code?.startsWith('ERR_OSSL_') || code?.startsWith('ERR_TLS_')) {
    return unreachable(
      `refused the TLS handshake (${code}); check connection.tls, and whether it wants a client certificate`,
    );
  }
  return undefined;
}

function afterSending(code: string | undefined, error: Error): Known | undefined {
  switch (code) {
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
    case 'HPE_INVALID_EOF_STATE':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
      return {
        code: 'UPSTREAM_DISCONNECTED',
        text: 'closed the connection before it answered; the request may have run, so it is not repeated; see its log',
      };
    case 'UND_ERR_HEADERS_OVERFLOW':
      return { code: 'UPSTREAM_PROTOCOL', text: 'answered with more than 16 KiB of headers' };
  }
  if (error.name === 'HTTPParserError') {
    return {
      code: 'UPSTREAM_PROTOCOL',
      text: `did not answer with valid HTTP; does connection.url need https?`,
    };
  }
  return undefined;
}
