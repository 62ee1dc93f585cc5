import { Module } from '@nestjs/common';
import { PluginModule } from '#libs/plugin';
import { BasicCredential } from '../credentials/basic.credential.js';
import { BearerCredential } from '../credentials/bearer.credential.js';
import { HeaderCredential } from '../credentials/header.credential.js';
import { NoneCredential } from '../credentials/none.credential.js';
import { ClientCredentialsCredential } from '../credentials/oauth/client-credentials.credential.js';
import { TokenExchangeCredential } from '../credentials/oauth/token-exchange.credential.js';
import { PassthroughCredential } from '../credentials/passthrough.credential.js';
import { ChildPlaces } from '../pool/child-places.js';
import { StreamableHttpTransport } from './http/streamable-http.transport.js';
import { InProcessTransport } from './in-process/in-process.transport.js';
import { SseTransport } from './sse/sse.transport.js';
import { StdioTransport } from './stdio/stdio.transport.js';

/** The built-in transports and credentials. They are found by discovery, like everybody else's. */
@Module({
  imports: [PluginModule],
  providers: [
    ChildPlaces,
    StreamableHttpTransport,
    SseTransport,
    StdioTransport,
    InProcessTransport,
    NoneCredential,
    HeaderCredential,
    BearerCredential,
    BasicCredential,
    ClientCredentialsCredential,
    TokenExchangeCredential,
    PassthroughCredential,
  ],
  exports: [ChildPlaces],
})
export class TransportsModule {}
