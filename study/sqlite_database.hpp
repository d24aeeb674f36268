// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file sqlite_database.hpp
/// Rows of Plait's types into a new SQLite database; of sqlite_output.cpp alone, which says what is
/// in them.

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "sim/check.hpp"
#include "sim/error.hpp"
#include "sim/ids.hpp"
#include "sim/units.hpp"

namespace plait {

/// An open database; closed, and on failure left incomplete, at the end of its life.
class Database {
 public:
  explicit Database(const std::filesystem::path& file) {
    if (sqlite3_open(file.c_str(), &handle_) != SQLITE_OK) fail("cannot create the database");
  }
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const char* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("cannot write");
  }
  [[noreturn]] void fail(std::string_view what) const {
    throw UserError(fmt::format("{} (SQLite: {})", what, sqlite3_errmsg(handle_)));
  }
  sqlite3* handle() { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

/// INSERT into one table, row by row.
class Insert {
 public:
  Insert(Database& database, const char* table, int columns) : database_(database) {
    std::string sql = fmt::format("INSERT INTO {} VALUES (?", table);
    for (int i = 1; i < columns; ++i) sql += ", ?";
    sql += ")";
    if (sqlite3_prepare_v2(database.handle(), sql.c_str(), -1, &statement_, nullptr) != SQLITE_OK)
      PLAIT_CHECK(false, sqlite3_errmsg(database.handle()));
  }
  ~Insert() { sqlite3_finalize(statement_); }
  Insert(const Insert&) = delete;
  Insert& operator=(const Insert&) = delete;

  template <class... Values>
  void row(const Values&... values) {
    int column = 0;
    (bind(++column, values), ...);
    if (sqlite3_step(statement_) != SQLITE_DONE) database_.fail("cannot write");
    sqlite3_reset(statement_);
  }

 private:
  void bind(int column, std::string_view text) {
    // Static: the text outlives the step that follows at once.
    sqlite3_bind_text(statement_, column, text.data(), static_cast<int>(text.size()),
                      SQLITE_STATIC);
  }
  template <class Integer>
  requires std::is_integral_v<Integer>
  void bind(int column, Integer value) {
    sqlite3_bind_int64(statement_, column, static_cast<sqlite3_int64>(value));
  }
  void bind(int column, double value) { sqlite3_bind_double(statement_, column, value); }
  void bind(int column, Duration value) { bind(column, value.ps()); }
  void bind(int column, SimTime value) {
    if (value == SimTime::never())
      sqlite3_bind_null(statement_, column);
    else
      bind(column, value.ps());
  }
  void bind(int column, Bytes value) { bind(column, value.count()); }
  void bind(int column, BitRate value) { bind(column, value.bps()); }
  template <class Tag>
  void bind(int column, Id<Tag> value) {
    if (value.valid())
      bind(column, value.value());
    else
      sqlite3_bind_null(statement_, column);
  }
  template <class T>
  void bind(int column, const std::optional<T>& value) {
    if (value)
      bind(column, *value);
    else
      sqlite3_bind_null(statement_, column);
  }

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace plait
