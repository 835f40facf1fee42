//! The command line as a user meets it: the built program, in folders of its own, with short runs.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "cli/ahead.rs"]
mod ahead;
#[path = "cli/augmented.rs"]
mod augmented;
#[path = "cli/bag.rs"]
mod bag;
#[path = "cli/bench.rs"]
mod bench;
#[path = "cli/cases.rs"]
mod cases;
#[path = "cli/columns.rs"]
mod columns;
#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/compare.rs"]
mod compare;
#[path = "cli/data.rs"]
mod data;
#[path = "cli/diagnose.rs"]
mod diagnose;
#[cfg(unix)]
#[path = "cli/drivers.rs"]
mod drivers;
#[path = "cli/ensemble.rs"]
mod ensemble;
#[path = "cli/explain.rs"]
mod explain;
#[path = "cli/features.rs"]
mod features;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/gradcheck.rs"]
mod gradcheck;
#[path = "cli/health.rs"]
mod health;
#[path = "cli/images.rs"]
mod images;
#[path = "cli/imported.rs"]
mod imported;
#[path = "cli/init_lab.rs"]
mod init_lab;
#[path = "cli/listed.rs"]
mod listed;
#[path = "cli/passed_on.rs"]
mod passed_on;
#[path = "cli/pictures.rs"]
mod pictures;
#[path = "cli/place.rs"]
mod place;
#[path = "cli/rare.rs"]
mod rare;
#[path = "cli/recognised.rs"]
mod recognised;
#[path = "cli/refusals.rs"]
mod refusals;
#[path = "cli/report.rs"]
mod report;
#[path = "cli/reproduce.rs"]
mod reproduce;
#[path = "cli/residual.rs"]
mod residual;
#[path = "cli/results.rs"]
mod results;
#[path = "cli/resume.rs"]
mod resume;
#[path = "cli/runs.rs"]
mod runs;
#[path = "cli/settings.rs"]
mod settings;
#[path = "cli/sheets.rs"]
mod sheets;
#[path = "cli/splits.rs"]
mod splits;
#[path = "cli/tables.rs"]
mod tables;
#[path = "cli/tensorboard.rs"]
mod tensorboard;
#[path = "cli/told.rs"]
mod told;
#[path = "cli/trust.rs"]
mod trust;
#[path = "cli/tune.rs"]
mod tune;
