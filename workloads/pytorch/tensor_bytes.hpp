// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file tensor_bytes.hpp
/// Sizes of recorded tensors from their shapes and types.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace plait {

/// Bytes of all tensors: shapes like [[4, 2048]] or [[[4], [8]]] and one type for each entry of the
/// outer list, as profiler ("Input Dims", "Input type") and host trace write them. Nothing if a
/// type is unknown or the lists do not fit.
std::optional<std::int64_t> tensor_bytes(const nlohmann::json& shapes, const nlohmann::json& types);

}  // namespace plait
