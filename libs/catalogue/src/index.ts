export { Catalogue } from './catalogue.js';
export { CatalogueModule } from './catalogue.module.js';
export { type CatalogueEvents, CatalogueService } from './catalogue.service.js';
export type { CatalogueItem, Quarantined, View, ViewRequest } from './contract.js';
export type { ServerEntry } from './entry.js';
export { CatalogueOptions, type CatalogueServer, type CatalogueSettings, type CatalogueToolset } from './settings.js';
