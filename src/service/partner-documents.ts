import type { createPartnerDocuments, PartnerDocuments } from '../partner/documents.ts';

type Parts = Omit<Parameters<typeof createPartnerDocuments>[0], 'dialects'>;

/** The documents of partners. They, and the dialects, are loaded at the first request: a start does not need them. */
export function lazyPartnerDocuments(parts: Parts): PartnerDocuments {
  let opening: Promise<PartnerDocuments> | undefined;
  let opened: PartnerDocuments | undefined;

  async function open(): Promise<PartnerDocuments> {
    const [{ createPartnerDocuments }, { DIALECTS_BY_NAME }] = await Promise.all([
      import('../partner/documents.ts'),
      import('../format/dialect/registry.ts'),
    ]);
    opened = createPartnerDocuments({ ...parts, dialects: DIALECTS_BY_NAME });
    return opened;
  }

  function documents(): Promise<PartnerDocuments> {
    opening ??= open();
    return opening;
  }

  return {
    get: async (...args) => (await documents()).get(...args),
    formats: async (partner) => (await documents()).formats(partner),
    addresses: async (partner) => (await documents()).addresses(partner),
    skipped: async (...args) => (await documents()).skipped(...args),
    memberships: async (...args) => (await documents()).memberships(...args),
    forget: (keys) => opened?.forget(keys),
    forgetErased: async () => opened?.forgetErased(),
    counts: () => opened?.counts() ?? { count: 0, bytes: 0, evicted: 0 },
  };
}
