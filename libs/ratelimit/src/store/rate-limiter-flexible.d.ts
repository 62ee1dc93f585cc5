// The package's main file loads its clients of a dozen databases; these are the two files that are needed.
declare module 'rate-limiter-flexible/lib/RateLimiterRes.js' {
  export { RateLimiterRes as default } from 'rate-limiter-flexible';
}
declare module 'rate-limiter-flexible/lib/RateLimiterCompatibleAbstract.js' {
  export { RateLimiterCompatibleAbstract as default } from 'rate-limiter-flexible';
}
