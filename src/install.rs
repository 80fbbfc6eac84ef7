//! The SQL that `CREATE EXTENSION` runs, in its order.

use pgrx::prelude::*;

extension_sql_file!("../sql/install/1_setup.sql", name = "setup", bootstrap);
extension_sql_file!("../sql/install/2_native.sql", name = "native", requires = ["setup"]);
extension_sql_file!("../sql/install/2_registry.sql", name = "registry", requires = ["setup"]);
extension_sql_file!("../sql/install/2_attempt.sql", name = "attempt", requires = ["setup"]);
extension_sql_file!("../sql/install/2_idempotency.sql", name = "idempotency", requires = ["setup"]);
extension_sql_file!("../sql/install/2_reconciliation.sql", name = "reconciliation", requires = ["setup"]);
extension_sql_file!("../sql/install/2_sweep.sql", name = "sweep", requires = ["setup"]);
extension_sql_file!("../sql/install/2_doctor.sql", name = "doctor", requires = ["setup"]);
extension_sql_file!("../sql/install/2_migration.sql", name = "migration", requires = ["setup"]);
extension_sql_file!("../sql/install/2_spans.sql", name = "spans", requires = ["setup"]);
extension_sql_file!("../sql/install/2_stat.sql", name = "stat", requires = ["setup"]);
extension_sql_file!("../sql/install/2_shadow.sql", name = "shadow", requires = ["setup"]);
extension_sql_file!("../sql/install/2_worker.sql", name = "worker", requires = ["setup"]);
extension_sql_file!(
    "../sql/install/3_grants.sql",
    name = "grants",
    requires = ["native", "reconciliation", "registry"],
    finalize
);
