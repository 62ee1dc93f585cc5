import { describe, expect, it } from 'vitest';
import { Emitter } from './emitter.js';

interface Events {
  changed: number;
  closed: undefined;
}

describe('Emitter', () => {
  it('tells the listeners of one event, until they are taken away', () => {
    const emitter = new Emitter<Events>();
    const heard: number[] = [];
    const off = emitter.on('changed', (n) => heard.push(n));
    emitter.on('closed', () => heard.push(-1));
    emitter.emit('changed', 1);
    off();
    emitter.emit('changed', 2);
    expect(heard).toEqual([1]);
  });

  it('reports a listener that throws and goes on', () => {
    const errors: unknown[] = [];
    const emitter = new Emitter<Events>((thrown) => errors.push(thrown));
    const heard: number[] = [];
    emitter.on('changed', () => {
      throw new Error('boom');
    });
    emitter.on('changed', (n) => heard.push(n));
    emitter.emit('changed', 1);
    expect(heard).toEqual([1]);
    expect(errors).toEqual([new Error('boom')]);
  });

  it('lets listeners come and go while they run', () => {
    const emitter = new Emitter<Events>();
    const heard: string[] = [];
    const off = { second: () => {} };
    emitter.on('changed', () => {
      heard.push('first');
      off.second();
      emitter.on('changed', () => heard.push('new'));
    });
    off.second = emitter.on('changed', () => heard.push('second'));
    emitter.emit('changed', 1);
    expect(heard).toEqual(['first']);
    emitter.emit('changed', 2);
    expect(heard).toEqual(['first', 'first', 'new']);
  });
});
