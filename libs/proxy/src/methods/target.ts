import type { View } from '#libs/catalogue';
import { canonicalName } from '#libs/kernel';
import type { RequestMessage } from '#libs/mcp';
import { namedPrompt, namedTool } from './call.js';
import { namedResource } from './resources.js';

/** Canonical name of what a request is about in this view; the method alone when it is about nothing in particular. */
export function targetOf(view: View, message: RequestMessage): string {
  switch (message.method) {
    case 'tools/call':
      return canonicalName(namedTool({ view, message }).ref);
    case 'prompts/get':
      return canonicalName(namedPrompt({ view, message }).ref);
    case 'resources/read': {
      const { server, uri } = namedResource({ view, message });
      return canonicalName({ server, name: uri });
    }
    default:
      return message.method;
  }
}
