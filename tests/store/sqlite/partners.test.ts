// @module-tag soak
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { sized } from '../../soak/sizes.ts';
import { partnerContract } from '../partners.contract.ts';

partnerContract('SQLite', async () => openSqliteStore(':memory:'), sized({ short: 8, soak: 200, full: 20_000 }));
