export { Proxy } from './contract.js';
