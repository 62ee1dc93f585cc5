import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { expect, it } from 'vitest';
import { Decide } from '#libs/plugin';
import { CatalogueModule } from './catalogue.module.js';
import { CatalogueService } from './catalogue.service.js';
import { listing, names, request, settings, TestDecide, tool } from './testing/listings.js';

@Module({
  providers: [{ provide: Decide, useFactory: () => new TestDecide((_, { name }) => name !== 'secret') }],
  exports: [Decide],
})
class Permissions {}

it('takes its permissions from the module that binds them', async () => {
  const app = await Test.createTestingModule({ imports: [CatalogueModule.register([Permissions])] }).compile();
  const service = app.get(CatalogueService);
  service.configure(settings('a'));
  service.publish(listing('a', { tools: [tool('open'), tool('secret')] }));
  expect(names(service.view(request()), 'tools')).toEqual(['a:open']);
  await app.close();
});
