/// <reference types="vite/client" />
import '../../shared/contract/window'

declare module '*.vue' {
  import type { DefineComponent } from 'vue'
  const component: DefineComponent
  export default component
}
