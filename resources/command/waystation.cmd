@echo off
rem The `waystation` command of the installed app, for a terminal. What needs no window runs as plain Node.
setlocal
set "BINARY=%~dp0..\..\Waystation.exe"
set "OUT=%~dp0..\app.asar\out\desktop"
if "%~1"=="" goto window
set ELECTRON_RUN_AS_NODE=1
"%BINARY%" "%OUT%\is-command.js" %*
if errorlevel 1 goto window
"%BINARY%" "%OUT%\cli.js" %*
exit /b %errorlevel%
:window
set ELECTRON_RUN_AS_NODE=
start "" "%BINARY%" %*
