import type { Target } from '../target.js';
import { CONFIG_TARGETS } from './config.js';
import { CONTENT_TARGETS } from './content.js';
import { CREDENTIAL_TARGETS } from './credentials.js';
import { EGRESS_TARGETS } from './egress.js';
import { HEADER_TARGETS } from './headers.js';
import { JSON_TARGETS } from './json.js';
import { MESSAGE_TARGETS } from './messages.js';
import { NAME_TARGETS } from './names.js';
import { PERMISSION_TARGETS } from './permissions.js';
import { SEAL_TARGETS } from './seals.js';
import { SOCKET_TARGETS } from './sockets.js';
import { STREAM_TARGETS } from './streams.js';
import { TOKEN_TARGETS } from './tokens.js';

export const TARGETS: readonly Target[] = [
  ...JSON_TARGETS,
  ...MESSAGE_TARGETS,
  ...STREAM_TARGETS,
  ...NAME_TARGETS,
  ...HEADER_TARGETS,
  ...CONTENT_TARGETS,
  ...SEAL_TARGETS,
  ...CONFIG_TARGETS,
  ...EGRESS_TARGETS,
  ...PERMISSION_TARGETS,
  ...CREDENTIAL_TARGETS,
  ...TOKEN_TARGETS,
  ...SOCKET_TARGETS,
];
