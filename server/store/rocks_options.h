// How RocksDB is set up; private to server/store.
#ifndef CUSTODY_SERVER_STORE_ROCKS_OPTIONS_H_
#define CUSTODY_SERVER_STORE_ROCKS_OPTIONS_H_

#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <vector>

#include "server/store/store.h"

namespace custody {

// `TableName` is the column family of `table`; part of the data folder's format.
const std::string& TableName(Table table);

// `DatabaseOptions` are the options of the database as a whole.
rocksdb::DBOptions DatabaseOptions(const StoreOptions& options, rocksdb::Env* env);

// `ColumnFamilies` names the default family and then every table in its order, with its options;
// all share one block cache.
std::vector<rocksdb::ColumnFamilyDescriptor> ColumnFamilies();

// An older program's folder lacks tables. Opened for writing they are made; whoever only reads does
// without: `FamiliesIn` are those of `names` alone, and `PutInPlace` puts each of their handles
// where its table belongs, and null where there is none.
std::vector<rocksdb::ColumnFamilyDescriptor> FamiliesIn(const std::vector<std::string>& names);
void PutInPlace(std::vector<rocksdb::ColumnFamilyHandle*>& families);

}  // namespace custody

#endif  // CUSTODY_SERVER_STORE_ROCKS_OPTIONS_H_
