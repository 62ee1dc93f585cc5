import { LIST_KINDS, LIST_METHODS, type NotificationMessage } from '#libs/mcp';
import type { SessionListener } from './upstream-session.js';

/** Tells of a changed list or resource. False when the notification is about something else. */
export function tellChange({ method, params }: NotificationMessage, listener: SessionListener): boolean {
  if (method === 'notifications/resources/updated') {
    const uri = params?.get('uri')?.string();
    if (params && uri !== undefined) listener.resourceUpdated(uri, params.raw());
    return true;
  }
  const kinds = LIST_KINDS.filter((kind) => LIST_METHODS[kind].changed === method);
  if (kinds.length > 0) listener.listChanged(kinds);
  return kinds.length > 0;
}
