import type { CheckedArticle } from './checked.ts';

/** An article by what a finding names of it. */
interface Example {
  readonly id: string;
  readonly file?: string;
}

interface LanguageUse {
  readonly example: Example;
  /** Only translations have the language so far. */
  readonly isTranslation: boolean;
}

interface HostUse {
  readonly example: Example & { readonly url: string };
  readonly count: number;
}

/** Which languages and hosts articles use, each with an example. */
export interface SurveyedUses {
  readonly languages: () => ReadonlyMap<string, LanguageUse>;
  /** The hosts of the addresses of articles. */
  readonly hosts: () => ReadonlyMap<string, HostUse>;
}

/** Hosts that are counted separately: a newsroom has a few. */
const MOST_HOSTS = 1000;

export function createUses(): SurveyedUses & { readonly add: (checked: CheckedArticle) => void } {
  const languages = new Map<string, LanguageUse>();
  const hosts = new Map<string, HostUse>();

  return {
    add({ article: { id, url, language, translations }, file }) {
      const example = file === undefined ? { id } : { id, file };
      if (languages.get(language)?.isTranslation !== false) languages.set(language, { example, isTranslation: false });
      for (const { language: other } of translations)
        if (!languages.has(other)) languages.set(other, { example, isTranslation: true });
      const { host } = new URL(url);
      const known = hosts.get(host);
      if (known !== undefined || hosts.size < MOST_HOSTS)
        hosts.set(host, { example: known?.example ?? { ...example, url }, count: (known?.count ?? 0) + 1 });
    },
    languages: () => languages,
    hosts: () => hosts,
  };
}
