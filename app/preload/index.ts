import { contextBridge } from 'electron'
contextBridge.exposeInMainWorld('waystation', {})
