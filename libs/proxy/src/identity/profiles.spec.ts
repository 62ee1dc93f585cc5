import { describe, expect, it } from 'vitest';
import { ProxyConfig } from '#libs/config';
import { spellingFor } from './profiles.js';

describe('spellingFor', () => {
  it('gives an unknown client the configured spelling', () => {
    expect(spellingFor('my-agent', new ProxyConfig())).toEqual({
      spelling: { separator: ':', maxLength: 128 },
      profile: undefined,
    });
  });

  it('spells names for hosts whose model API rejects a colon', () => {
    const { spelling, profile } = spellingFor('claude-code', new ProxyConfig());
    expect(spelling).toEqual({ separator: '__', maxLength: 48 });
    expect(profile).toBe('claude-code');
  });

  it('ignores letter case and matches globs', () => {
    expect(spellingFor('Visual Studio Code - Insiders', new ProxyConfig()).spelling.separator).toBe('__');
    expect(spellingFor('CURSOR-vscode', new ProxyConfig()).spelling.separator).toBe('__');
  });

  it('lets the configuration switch a built-in profile off', () => {
    const proxy = new ProxyConfig();
    proxy.clients = { 'claude-code': { separator: ':', max_length: 128, tolerate: [] } };
    expect(spellingFor('claude-code', proxy).spelling).toEqual({ separator: ':', maxLength: 128 });
  });

  it('keeps what a configured profile leaves open at the built-in or configured default', () => {
    const proxy = new ProxyConfig();
    proxy.clients = { 'claude-code': { max_length: 30, tolerate: [] }, 'x*y': { separator: '.', tolerate: [] } };
    expect(spellingFor('claude-code', proxy).spelling).toEqual({ separator: '__', maxLength: 30 });
    expect(spellingFor('x-1-y', proxy).spelling).toEqual({ separator: '.', maxLength: 128 });
    expect(spellingFor('x-1-z', proxy).profile).toBeUndefined();
  });
});
