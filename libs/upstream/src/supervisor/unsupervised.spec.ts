import { expect, it } from 'vitest';
import { GatewayError, SILENT } from '#libs/kernel';
import { Unsupervised } from './unsupervised.js';

it('holds nothing back once it is stopped: calls that still fail then start no clock', async () => {
  const told: string[] = [];
  const unsupervised = new Unsupervised({
    server: 'lab',
    log: SILENT,
    changed: () => void told.push('changed'),
    recovered: () => void told.push('recovered'),
  });
  const waits: string[] = [];
  const wait = () => {
    waits.push('asked');
    return 60_000;
  };
  await unsupervised.stop();
  expect(unsupervised.hold(new GatewayError('UPSTREAM_UNREACHABLE', 'calls fail'), wait)).toBe(false);
  expect(waits).toEqual([]);
  expect(told).toEqual([]);
  expect(unsupervised.serving).toBe(true);
});
