// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file client_ops.hpp
/// The ops with which a client reads from or writes to storage, for any graph that is being built.

#include <functional>
#include <string_view>
#include <vector>

#include "workloads/storage/storage.hpp"

namespace plait {

class StorageClientOps {
 public:
  using Id = std::uint64_t;
  using Ids = std::vector<Id>;
  using Add = std::function<Id(const Op& op, std::string_view name, const Ids& needs)>;

  /// Pieces go to the peers `first_role`, `first_role` + 1, ... round robin. `add` puts an op into
  /// the graph. @param params must outlive the object.
  StorageClientOps(const StorageParams& params, std::size_t first_role, Add add)
      : params_(params), first_role_(first_role), add_(std::move(add)) {}

  /// Moves `bytes` after `needs`. @return what has to end for all to be there.
  Ids transfer(StorageAccess access, Bytes bytes, const Ids& needs);
  /// An op that takes no time, named `kind` + `what`; see storage_operations().
  Id mark(std::string_view kind, std::string_view what, Bytes bytes, const Ids& needs);

 private:
  const StorageParams& params_;
  std::size_t first_role_;
  Add add_;
  std::vector<Id> replies_[2];  // by access and piece since the beginning
};

}  // namespace plait
