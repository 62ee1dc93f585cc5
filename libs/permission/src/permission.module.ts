import { Module } from '@nestjs/common';
import { Decide } from '#libs/plugin';
import { AllowAll } from './allow-all.js';

/** Binds the `Decide` port. */
@Module({
  providers: [AllowAll, { provide: Decide, useExisting: AllowAll }],
  exports: [Decide],
})
export class PermissionModule {}
