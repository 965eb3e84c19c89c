const { contextBridge, ipcRenderer } = require('electron')

contextBridge.exposeInMainWorld('yardstick', { editor: (time) => ipcRenderer.send('editor', time) })
