export type { CatalogueItem, Quarantined, View, ViewRequest } from './contract.js';
