import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { CatalogueService } from './catalogue.service.js';

/** The catalogue. It needs `Decide`, bound by one of `imports` or by a global module. */
@Module({ providers: [CatalogueService], exports: [CatalogueService] })
export class CatalogueModule {
  static register(imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return { module: CatalogueModule, imports };
  }
}
