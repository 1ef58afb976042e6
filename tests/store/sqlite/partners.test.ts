import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { sized } from '../../soak/sizes.ts';
import { partnerContract } from '../partners.contract.ts';

partnerContract('SQLite', async () => openSqliteStore(':memory:'), sized({ short: 20, soak: 600, full: 20_000 }));
