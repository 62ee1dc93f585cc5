import { describe, expect, it } from 'vitest';
import { endpointNamed, PublicUrls } from './public-urls.js';

describe('PublicUrls', () => {
  it.each([
    ['https://gw.example', 'https://gw.example/mcp'],
    ['https://gw.example/', 'https://gw.example/mcp'],
    ['HTTPS://GW.Example:443/', 'https://gw.example/mcp'],
    ['http://localhost:8082', 'http://localhost:8082/mcp'],
    ['https://gw.example/Team/', 'https://gw.example/Team/mcp'],
  ])('of %s name the resource %s', (url, resource) => {
    expect(new PublicUrls(url, null).resource('/mcp')).toBe(resource);
  });

  it('put metadata below the public URL, one document per endpoint and one for all', () => {
    const urls = new PublicUrls('https://gw.example', null);
    expect(urls.metadata()).toBe('https://gw.example/.well-known/oauth-protected-resource');
    expect(urls.metadata('/mcp/n8n')).toBe('https://gw.example/.well-known/oauth-protected-resource/mcp/n8n');
    expect(new PublicUrls('https://gw.example/team/', null).metadata('/mcp')).toBe(
      'https://gw.example/team/.well-known/oauth-protected-resource/mcp',
    );
  });

  it('have one resource for all endpoints when one is configured', () => {
    const urls = new PublicUrls('http://localhost:8082', 'https://gw.example');
    expect([urls.resource('/mcp'), urls.resource('/mcp/n8n')]).toEqual(['https://gw.example', 'https://gw.example']);
  });
});

describe('endpointNamed', () => {
  it.each([
    ['/mcp', '/mcp'],
    ['/mcp?x=1', '/mcp'],
    ['/mcp/n8n', '/mcp/n8n'],
    ['http://localhost/mcp/n8n?x', '/mcp/n8n'],
    ['/mcp/', undefined],
    ['/mcp/a/b', undefined],
    ['/mcp/"', undefined],
    ['/%6dcp', undefined],
    ['/mcpx', undefined],
    ['/private', undefined],
    [undefined, undefined],
  ])('of %j is %j', (target, path) => {
    expect(endpointNamed(target)).toBe(path);
  });
});
