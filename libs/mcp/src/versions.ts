/** Legacy protocol revisions, newest first. */
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
export type LegacyVersion = (typeof LEGACY_VERSIONS)[number];
export const LATEST_LEGACY: LegacyVersion = LEGACY_VERSIONS[0];

export function isLegacyVersion(version: unknown): version is LegacyVersion {
  return (LEGACY_VERSIONS as readonly unknown[]).includes(version);
}

/** The requested version when supported, else the newest (L:life). */
export function negotiate(requested: unknown): LegacyVersion {
  return isLegacyVersion(requested) ? requested : LATEST_LEGACY;
}

/** Revisions are dates, so they compare as strings; this is the only place that does so. */
export function atLeast(version: string, revision: LegacyVersion): boolean {
  return version >= revision;
}

/** Modern revisions, newest first: stateless, version and capabilities in every request's `_meta`. */
export const MODERN_VERSIONS = ['2026-07-28'] as const;
export type ModernVersion = (typeof MODERN_VERSIONS)[number];
export const LATEST_MODERN: ModernVersion = MODERN_VERSIONS[0];

export function isModernVersion(version: unknown): version is ModernVersion {
  return (MODERN_VERSIONS as readonly unknown[]).includes(version);
}
