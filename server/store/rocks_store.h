// The RocksDB store with a file system of the caller's, which only fault tests need.
#ifndef CUSTODY_SERVER_STORE_ROCKS_STORE_H_
#define CUSTODY_SERVER_STORE_ROCKS_STORE_H_

#include <memory>

#include "server/store/store.h"

namespace rocksdb {
class FileSystem;
}

namespace custody {

// `OpenRocksStoreOn` is `OpenRocksStore` on `file_system` (null: the machine's own).
StatusOr<std::unique_ptr<Store>> OpenRocksStoreOn(
    const StoreOptions& options, const std::shared_ptr<rocksdb::FileSystem>& file_system);

}  // namespace custody

#endif  // CUSTODY_SERVER_STORE_ROCKS_STORE_H_
