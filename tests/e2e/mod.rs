//! The real program from outside: devices, operators, a browser, and faults.
//! Every test has a server, ports and directories of its own.

mod alarms;
mod bad_input;
mod browser;
mod command_line;
mod configuration;
mod damaged_journal;
mod embedded;
mod exports;
mod external;
mod hazard;
mod kills;
mod live;
mod recorded;
mod replay;
