// Everything plug-ins get, and what the gateway alone needs to load and find them.
export * from './api.js';
export { type LoadPluginsOptions, loadPlugins, type PluginModuleRef } from './loader.js';
export { PluginModule } from './plugin.module.js';
export { publicOptions } from './public.js';
export { ExtensionRegistry } from './registry.js';
export { secretSourcesOf } from './secret-sources.js';
