import { Module } from '@nestjs/common';
import { Decide } from '#libs/plugin';
import { Permissions } from './permissions.js';

/** Binds the `Decide` port. */
@Module({
  providers: [Permissions, { provide: Decide, useExisting: Permissions }],
  exports: [Decide],
})
export class PermissionModule {}
